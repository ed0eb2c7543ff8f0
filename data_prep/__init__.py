"""From a dataset as it was downloaded to a store; one file per dataset."""
