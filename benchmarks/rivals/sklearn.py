"""scikit-learn's MLPClassifier, which has nothing to time but the training step."""

from __future__ import annotations

import numpy as np

from xpnet.bench.contender import Contender, Job, Unavailable


class Sklearn(Contender):
    """``partial_fit`` on a batch, by plain SGD without its default regularisation."""

    name = "scikit-learn"

    def load(self):
        try:
            from sklearn.neural_network import MLPClassifier
        except ImportError as error:
            raise Unavailable(str(error)) from error
        self.MLPClassifier = MLPClassifier

    def step(self, params, lr):
        W1, b1, W2, b2 = params
        net = self.MLPClassifier(
            (len(b1),), solver="sgd", learning_rate_init=lr, momentum=0, alpha=0
        )
        # The first call makes its arrays.
        net.partial_fit(np.zeros((1, len(W1)), W1.dtype), [0], classes=np.arange(len(b2)))
        for own, given in zip(net.coefs_, (W1, W2), strict=True):
            own[...] = given
        for own, given in zip(net.intercepts_, (b1, b2), strict=True):
            own[...] = given

        def run(x, t):
            net.batch_size = len(x)
            net.partial_fit(x, t)

        def outputs(_):
            return net.coefs_[0], net.intercepts_[0], net.coefs_[1], net.intercepts_[1]

        return Job(run, outputs)
