"""MAML: an initialization from which one gradient step learns a sinusoid from ten points.

A task is a sinusoid. From weights theta, a step of gradient descent on K points of it leads to

    theta' = theta - 0.01 grad L(theta; the K points)

and theta is trained so that theta' does well on other points of the same sinusoid. The gradient of
L(theta'; other points) by theta passes through the step, in which a gradient stands: it is
differentiated again. First-order MAML takes that gradient for a constant. The third contender is
trained on all the tasks at once, without any such step.

The 25 tasks of a step are one stack: each weight has an axis of tasks in front.

Observe: MAML falls in one step at test time; what was trained on all tasks cannot tell which task
it is given, and barely moves.
Source: Finn, Abbeel, Levine: Model-Agnostic Meta-Learning (2017), section 5.1 and figure 3.
"""

from itertools import chain

import figures
import numpy as np
from training import Adam, Run, arguments, relu

import dezero.functions as F
from dezero import Parameter, Variable

TASKS, POINTS, HIDDEN = 25, 10, 40
INNER, OUTER = 0.01, 0.001  # step sizes
METHODS = ["MAML", "first order", "pretrained"]
RATES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05]  # to choose from, for what was pretrained
TEST_TASKS, TUNING_TASKS, TEST_POINTS, TEST_STEPS = 600, 100, 100, 10
DIVERGED = 1e30  # the error of a task whose descent ends in inf or nan, which JSON has not
SHAPES = [(1, HIDDEN), (1, HIDDEN), (HIDDEN, HIDDEN), (1, HIDDEN), (HIDDEN, 1), (1, 1)]


def initial(rng, dtype=np.float32):
    """Weights and biases in turn, as the authors' program draws them."""
    sizes = [0.01 if i % 2 == 0 else 0.0 for i in range(len(SHAPES))]
    return [size * rng.normal(size=shape).astype(dtype) for size, shape in zip(sizes, SHAPES)]


def sinusoids(rng, tasks, points, dtype=np.float32):
    """x and y of shape (tasks, points, 1): one sinusoid for each task."""
    amplitude = rng.uniform(0.1, 5.0, (tasks, 1, 1))
    phase = rng.uniform(0.0, np.pi, (tasks, 1, 1))
    x = rng.uniform(-5.0, 5.0, (tasks, points, 1))
    return x.astype(dtype), (amplitude * np.sin(x - phase)).astype(dtype)


def network(x, theta):
    """Two hidden layers, for a stack of tasks and of weights, or for weights that all share."""
    w1, b1, w2, b2, w3, b3 = theta
    x = relu(F.matmul(x, w1) + b1)
    x = relu(F.matmul(x, w2) + b2)
    return F.matmul(x, w3) + b3


def squared_error(x, y, theta):
    """The mean over the points of each task, summed over the tasks: each has its own gradient."""
    return F.sum((network(x, theta) - y) ** 2) / x.shape[1]


def adapted(theta, x, y, second_order):
    """theta after one step of gradient descent on the points of each task."""
    squared_error(x, y, theta).backward(create_graph=second_order)
    gradients = [w.grad if second_order else w.grad.data for w in theta]
    for w in theta:
        w.cleargrad()
    return [w - INNER * g for w, g in zip(theta, gradients)]


def meta_gradient(parameters, x, y, second_order):
    """The loss after the inner step, and its gradient by the weights from which all tasks start.

    x, y: twice POINTS for each task; the inner step is for the first half, the loss the second's.
    """
    stack = [Variable(p.data[None].repeat(len(x), axis=0)) for p in parameters]
    inner, outer = slice(None, x.shape[1] // 2), slice(x.shape[1] // 2, None)
    theta = adapted(stack, x[:, inner], y[:, inner], second_order)
    loss = squared_error(x[:, outer], y[:, outer], theta) / len(x)
    loss.backward()  # through the step, and so through the gradient in it
    return loss.data, [w.grad.data.sum(axis=0) for w in stack]


def joint_gradient(parameters, x, y):
    """The loss of the same weights on all tasks, and its gradient."""
    loss = squared_error(x, y, parameters) / len(x)
    loss.backward()
    return loss.data, [p.grad.data for p in parameters]


def test_errors(parameters, tasks, points, rate):
    """The error of each test task after 0 to TEST_STEPS gradient steps on some of its points."""
    x, y = tasks
    theta = [Variable(np.repeat(p.data[None], len(x), axis=0)) for p in parameters]
    errors = []
    for _ in range(TEST_STEPS + 1):
        left = network(x[:, POINTS:], [w.data for w in theta]).data - y[:, POINTS:]
        errors.append((left**2).mean(axis=(1, 2)))
        squared_error(x[:, :points], y[:, :points], theta).backward()
        theta = [Variable(w.data - rate * w.grad.data) for w in theta]
    return np.fmin(np.array(errors, float), DIVERGED)  # of a number and a nan it is the number


def test(learners, rng):
    """Curves for K = 5 and 10; the step size of what was pretrained is tuned on other tasks."""
    tasks, others = (sinusoids(rng, n, POINTS + TEST_POINTS) for n in (TEST_TASKS, TUNING_TASKS))
    curves, trimmed, medians, rates = {}, {}, {}, {}
    for points in (5, 10):
        for name, parameters in learners.items():
            key = f"{name}, K = {points}"
            rates[key] = INNER
            if name == "pretrained":
                last = {r: test_errors(parameters, others, points, r)[-1].mean() for r in RATES}
                rates[key] = min(last, key=last.get)
            errors = np.sort(test_errors(parameters, tasks, points, rates[key]), axis=1)
            curves[key] = errors.mean(axis=1).round(4).tolist()
            kept = errors[:, : TEST_TASKS - TEST_TASKS // 100]  # one in a hundred may diverge
            trimmed[key] = kept.mean(axis=1).round(4).tolist()
            medians[key] = np.median(errors, axis=1).round(4).tolist()
    return {"curves": curves, "trimmed": trimmed, "medians": medians, "rates": rates}


def train(args):
    """Train the three learners on the same tasks. Returns what was measured at test time."""
    rng = np.random.default_rng(args.seed)
    start = initial(rng)
    learners = {name: [Parameter(w.copy()) for w in start] for name in METHODS}
    adams = {name: Adam(parameters, OUTER) for name, parameters in learners.items()}
    parts = [rng, *adams.values(), *chain(*learners.values())]
    run = Run(args, "maml", parts, hidden=HIDDEN, tasks=TASKS, points=POINTS)
    for _ in run.steps():
        x, y = sinusoids(rng, TASKS, 2 * POINTS)
        loss = {}
        for name, parameters in learners.items():
            if name == "pretrained":
                loss[name], gradients = joint_gradient(parameters, x, y)
            else:
                second_order = name == "MAML"
                loss[name], gradients = meta_gradient(parameters, x, y, second_order)
            adams[name].step(gradients)
        run.record(loss=loss["MAML"], first=loss["first order"], pretrained=loss["pretrained"])
    return run.results(**test(learners, np.random.default_rng([args.seed, 1])))


def parser():
    return arguments(__doc__, steps=70_000)


def main():
    args = parser().parse_args()
    result = train(args)
    for name, errors in result["curves"].items():
        print(f"{name}: {errors[0]:.2f}; after 1 step {errors[1]:.2f}; after 10 {errors[10]:.2f}")
    figures.maml([result], args.out)


if __name__ == "__main__":
    main()
