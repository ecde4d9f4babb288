"""Two apples and three oranges: a computational graph of numbers, forward and backward.

What do they cost with a tax of 10 %, and how does the price follow each of the five numbers?
"""

from xpnet import AddLayer, MulLayer

apple, apple_num = 100, 2
orange, orange_num = 150, 3
tax = 1.1

mul_apple_layer = MulLayer()
mul_orange_layer = MulLayer()
add_apple_orange_layer = AddLayer()
mul_tax_layer = MulLayer()

# forward
apple_price = mul_apple_layer.forward(apple, apple_num)
orange_price = mul_orange_layer.forward(orange, orange_num)
all_price = add_apple_orange_layer.forward(apple_price, orange_price)
price = mul_tax_layer.forward(all_price, tax)

# backward: every layer once more, in the opposite order
dprice = 1
dall_price, dtax = mul_tax_layer.backward(dprice)
dapple_price, dorange_price = add_apple_orange_layer.backward(dall_price)
dorange, dorange_num = mul_orange_layer.backward(dorange_price)
dapple, dapple_num = mul_apple_layer.backward(dapple_price)

# 1.1 is no binary fraction: unrounded, the price is 715.0000000000001.
print(f"price: {price:.1f}")
print(f"dApple_num: {dapple_num:g}")
print(f"dApple: {dapple:g}")
print(f"dOrange: {dorange:g}")
print(f"dOrange_num: {dorange_num:g}")
print(f"dTax: {dtax:g}")
