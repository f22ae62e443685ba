"""The tests. They run side by side, so each does its linear algebra in one thread.

In two threads on two busy cores, the data of a tiny sibling took three times the processor time.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is first imported
