"""Run by the Python that has TensorFlow: writes the arrays of ARRAYS.npz as checkpoints into FOLDER, and reads one back.

python tensorflow_bundles.py ARRAYS.npz FOLDER PREFIX
"""

import sys
from pathlib import Path

import numpy as np


def save(tf, folder, tensors, *, sharded):
    """One file, or one shard for each of two devices; bfloat16 in a variable of its own."""
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        for place, (name, values) in enumerate(tensors.items()):
            with tf.device(f"/cpu:{place % 2 if sharded else 0}"):
                tf.get_variable(name, initializer=values)
        tf.get_variable("brain", initializer=tf.cast(tensors["model/wte"], tf.bfloat16))
        session.run(tf.global_variables_initializer())
        tf.train.Saver(sharded=sharded).save(session, str(folder / "model.ckpt"), global_step=5)


def save_slices(tf, folder):
    """One variable that is kept in two parts."""
    with tf.Graph().as_default(), tf.Session() as session:
        parts = tf.fixed_size_partitioner(2)
        tf.get_variable("parted", shape=(4, 2), partitioner=parts, initializer=tf.ones_initializer())
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=5)


def main(arrays, folder, prefix):
    """Write `one`, `sharded` and `slices`, and read the checkpoint at `prefix` into `read.npz`."""
    import tensorflow

    tf = tensorflow.compat.v1
    tf.disable_eager_execution()
    tensors = dict(np.load(arrays))
    for name in ("one", "sharded", "slices"):
        (folder / name).mkdir()
    save(tf, folder / "one", tensors, sharded=False)
    save(tf, folder / "sharded", tensors, sharded=True)
    save_slices(tf, folder / "slices")
    reader = tf.train.load_checkpoint(prefix)
    np.savez(folder / "read.npz", **{name: reader.get_tensor(name) for name in tensors})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
