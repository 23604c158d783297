"""A gradient inside a formula that is differentiated again.

Observe: with y = x**2 and gx = dy/dx = 2x, z = gx**3 + y is 8x**3 + x**2, and dz/dx at 2 is 100.
"""

import numpy as np

from dezero import Variable

x = Variable(np.array(2.0))
y = x**2
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()

z = gx**3 + y
z.backward()
print(x.grad)
