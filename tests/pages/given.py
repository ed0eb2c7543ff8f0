"""What the Python blocks of a page leave to their reader, by page: names alone, since a page says what to import."""

GIVEN = {
    "README.md": """\
import torch
model = torch.nn.Flatten()
first_view, second_view = torch.rand(2, 8, 1, 4, 4)
del torch
""",
    "audio/README.md": """\
import numpy as np
first, second = np.zeros(9_000), np.zeros(24_000)
stereo = np.zeros((9_000, 2))
del np
""",
    "audio/harness/README.md": "import torch\naudio = torch.zeros(2, 16_000)\ndel torch\n",
    "common/images/README.md": "import torch\nbatch = torch.rand(2, 3, 16, 16)\ndel torch\n",
    "common/tables/README.md": """\
import numpy as np
import pandas
data_frame = pandas.read_csv("TABLE.csv")
numbers = np.zeros((3, 4))
del np, pandas
""",
    "pointcloud/README.md": "import numpy as np\npoints = np.random.default_rng(0).normal(size=(64, 3))\ndel np\n",
}
