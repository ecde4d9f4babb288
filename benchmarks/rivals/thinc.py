"""Thinc, with the ops it chooses by itself."""

from __future__ import annotations

from xpnet.bench.contender import Contender, Job, Unavailable


class Thinc(Contender):
    """Its ops and layers. Its loss is no cross entropy, but its gradient is that of one."""

    name = "thinc"

    def load(self):
        try:
            import thinc.api
        except ImportError as error:
            raise Unavailable(str(error)) from error
        self.thinc = thinc.api
        self.ops = thinc.api.get_current_ops()

    def softmax(self, _x):
        return Job(lambda x: (self.ops.softmax(x),))

    def loss_backward(self, _x, _t):
        return Job(lambda x, t: (None, self._gradient(self.ops.softmax(x), t)))

    def affine(self, _x, W, b):
        weight = self.ops.xp.ascontiguousarray(W.T)
        return Job(lambda x: (self.ops.affine(x, weight, b),))

    def affine_backward(self, _x, _dout, W, b):
        """Do what its Linear does, but for the sum with the gradients of earlier calls."""
        ops = self.ops
        weight = ops.xp.ascontiguousarray(W.T)

        def run(x, dout):
            y = ops.affine(x, weight, b)
            return y, ops.gemm(dout, weight), ops.gemm(dout, x, trans1=True), dout.sum(axis=0)

        def outputs(result):
            y, dx, dweight, db = result
            return y, dx, dweight.T, db

        return Job(run, outputs)

    def step(self, params, lr):
        W1, b1, W2, b2 = params
        hidden = self.thinc.Relu(nI=W1.shape[0], nO=W1.shape[1])
        output = self.thinc.Softmax(nI=W2.shape[0], nO=W2.shape[1])
        net = self.thinc.chain(hidden, output).initialize()
        for layer, W, b in (hidden, W1, b1), (output, W2, b2):
            layer.set_param("W", self.ops.xp.ascontiguousarray(W.T))
            layer.set_param("b", b)
        optimizer = self.thinc.SGD(lr, L2=0, grad_clip=0, use_averages=False)

        def run(x, t):
            y, backprop = net.begin_update(x)
            backprop(self._gradient(y, t))
            net.finish_update(optimizer)

        def outputs(_):
            layers = hidden, output
            arrays = [(layer.get_param("W").T, layer.get_param("b")) for layer in layers]
            return tuple(array for pair in arrays for array in pair)

        return Job(run, outputs)

    def _gradient(self, y, t):
        # Of class indices it would make one-hot rows by way of an identity matrix, C x C.
        one_hot = self.ops.xp.zeros_like(y)
        one_hot[self.ops.xp.arange(len(t)), t] = 1
        return self.thinc.CategoricalCrossentropy().get_grad(y, one_hot)
