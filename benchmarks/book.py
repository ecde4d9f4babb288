"""The baseline: the computation of chapter 5 of *Deep Learning from Scratch*, in plain NumPy.

Affine, ReLU, Affine, and softmax with cross entropy, written anew from what the book describes.
Every choice that costs time or accuracy is kept, because it is what xpnet is measured against:
a boolean mask for ReLU, written through in place; ``1e-7`` inside the logarithm; an upstream
gradient that the loss ignores; a ``dx`` of the first layer that nobody reads; fresh arrays
everywhere. The book computes in float64; here the arrays that come in decide.

Names and arguments are those of ``xpnet.ops``, so that one benchmark can time either.
"""

import numpy as np


def affine(x, W, b):
    return np.dot(x, W) + b


def affine_backward(dout, x, W):
    dx = np.dot(dout, W.T)
    dW = np.dot(x.T, dout)
    db = np.sum(dout, axis=0)
    return dx, dW, db


def relu(x):
    mask = x <= 0
    y = x.copy()
    y[mask] = 0
    return y, mask


def relu_backward(dout, mask):
    dout[mask] = 0
    return dout


def softmax(x):
    exps = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return exps / np.sum(exps, axis=-1, keepdims=True)


def softmax_with_loss(x, t):
    y = softmax(x)
    picked = y[np.arange(len(t)), t]
    return -np.sum(np.log(picked + 1e-7)) / len(t), y


def softmax_with_loss_backward(_dout, y, t):
    dx = y.copy()
    dx[np.arange(len(t)), t] -= 1
    return dx / len(t)


def gradient(params, x, t):
    """Return the gradients of a batch's loss by the names of the parameters."""
    a1 = affine(x, params["W1"], params["b1"])
    h, mask = relu(a1)
    scores = affine(h, params["W2"], params["b2"])
    _loss, y = softmax_with_loss(scores, t)

    dscores = softmax_with_loss_backward(1, y, t)
    dh, dW2, db2 = affine_backward(dscores, h, params["W2"])
    da1 = relu_backward(dh, mask)
    _dx, dW1, db1 = affine_backward(da1, x, params["W1"])
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def training_step(params, x, t, lr):
    """Take one step of stochastic gradient descent; ``params`` change in place."""
    grads = gradient(params, x, t)
    for name in params:
        params[name] -= lr * grads[name]
