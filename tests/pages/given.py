"""What the Python blocks of a page leave to their reader, by page."""

GIVEN = {
    "README.md": """\
import torch
model = torch.nn.Flatten()
first_view, second_view = torch.rand(2, 8, 1, 4, 4)
""",
    "audio/README.md": """\
import numpy as np
first, second = np.zeros(9_000), np.zeros(24_000)
stereo = np.zeros((9_000, 2))
""",
    "audio/harness/README.md": "import torch\naudio = torch.zeros(2, 16_000)\n",
    "common/images/README.md": "import torch\nbatch = torch.rand(2, 3, 16, 16)\n",
    "common/tables/README.md": """\
import numpy as np
import pandas
data_frame = pandas.read_csv("TABLE.csv")
numbers = np.zeros((3, 4))
""",
    "pointcloud/README.md": "import numpy as np\npoints = np.random.default_rng(0).normal(size=(64, 3))\n",
}
