"""An engine that does what a cluster may do: answers in any order, work done twice, everything through pickle."""

import pickle

import numpy as np

from dimscope.engines.base import Closing


class Shuffled(Closing):
    """Answers come in an order drawn from the seed; a third of the tasks is done twice, one answer of both counts."""

    name = "shuffled"
    is_remote = True

    def __init__(self, seed=0, n_workers=2):
        self.rng, self.n_workers = np.random.default_rng(seed), n_workers
        self.n_tasks = 0

    @property
    def facts(self):
        return {"name": self.name}

    def map(self, work, tasks, patience=0.0):
        self.patience = patience
        work = pickle.loads(pickle.dumps(work))
        waiting, number = [], 0
        for task in tasks:
            if task is not None:
                waiting.append((number, task))
                number += 1
            if task is None or len(waiting) == 2 * self.n_workers:
                yield self._answer(work, waiting)
        while waiting:
            yield self._answer(work, waiting)

    def _answer(self, work, waiting):
        number, task = waiting.pop(self.rng.integers(len(waiting)))
        self.n_tasks += 1
        for _ in range(1 + (self.rng.random() < 1 / 3)):
            found = pickle.loads(pickle.dumps(work(pickle.loads(pickle.dumps(task)))))
        return number, found
