"""Train a two-layer network with a loop of one's own, and then the same on another backend.

python examples/train_mnist.py                   the digits that come with the package
python examples/train_mnist.py --mnist           MNIST, downloaded once
python examples/train_mnist.py --backend torch   on NumPy first, then with PyTorch
"""

import argparse

import numpy as np

import xpnet


def train(load, iters_num, learning_rate):
    """Return the loss after each step. Nothing in here knows the backend's name."""
    xp = xpnet.get_backend().xp
    (x_train, t_train), (x_test, t_test) = load(one_hot_label=True)
    network = xpnet.TwoLayerNet(x_train.shape[1], hidden_size=50, output_size=10, seed=0)

    train_size = x_train.shape[0]
    batch_size = 100
    iter_per_epoch = max(train_size // batch_size, 1)
    rng = np.random.default_rng(0)  # on the host: the same batches on every backend
    train_loss_list = []

    for i in range(iters_num):
        batch_mask = xpnet.asarray(rng.choice(train_size, batch_size))
        x_batch = xp.take(x_train, batch_mask, axis=0)
        t_batch = xp.take(t_train, batch_mask, axis=0)

        grad = network.gradient(x_batch, t_batch)
        for key in grad:
            network.params[key] -= learning_rate * grad[key]

        loss = network.loss(x_batch, t_batch)
        train_loss_list.append(loss)  # still an array: float(loss) would wait for a GPU

        if i % iter_per_epoch == 0:
            train_acc = network.accuracy(x_train, t_train)
            test_acc = network.accuracy(x_test, t_test)
            print(f"train acc, test acc | {float(train_acc):.4f}, {float(test_acc):.4f}")

    return [float(loss) for loss in train_loss_list]


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--mnist", action="store_true", help="learn MNIST instead of the digits")
parser.add_argument("--backend", help="where to train once more, such as torch or cupy")
args = parser.parse_args()

if args.mnist:
    setting = (xpnet.datasets.load_mnist, 10_000, 0.1)
else:
    setting = (xpnet.datasets.load_digits, 500, 0.5)

xpnet.set_backend("numpy")
print("numpy")
on_numpy = train(*setting)

if args.backend:
    xpnet.set_backend(args.backend)  # the only line that differs
    print(args.backend)
    there = train(*setting)
    largest = max(abs(a - b) for a, b in zip(on_numpy, there, strict=True))
    print(f"the losses of {len(there)} steps differ by at most {largest:.1e}")
