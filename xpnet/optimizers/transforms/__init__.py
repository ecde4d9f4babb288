"""What happens to gradients before the rule of an optimizer."""

from xpnet.optimizers.transforms.clip_norm import clip_norm
from xpnet.optimizers.transforms.clip_value import clip_value
from xpnet.optimizers.transforms.noise import noise
from xpnet.optimizers.transforms.transform import Transform
from xpnet.optimizers.transforms.weight_decay import weight_decay

__all__ = ["Transform", "clip_norm", "clip_value", "noise", "weight_decay"]
