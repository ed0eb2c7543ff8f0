"""Small synthetic datasets in the directory layout of the real ones, to try everything without a download.

Layout and metadata are exact: names, columns, lists, and the oddities that real copies have (mixed formats, absent
clips, macOS metadata files). The sounds (`sounds`) and shapes (`solids`) depend on the label, so that a probe
can learn it. What the same call wrote before is kept, so that each can be stopped and repeated; a folder
written in another way is refused (DataError).

Each `write_…(root, …, seed=0)` writes below `root`, draws everything from `seed`, and returns the folder to prepare.
The `write_published_…` write as many items as are published, or `items` in the same proportions, a hundredth of a
second of noise each, to measure what that many items cost.
"""
