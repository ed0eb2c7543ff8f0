"""A report that people look at: results, training and examples on one page of HTML that needs nothing else."""
