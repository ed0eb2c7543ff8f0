"""Policies that choose among many operations for each picture: RandAugment, AutoAugment and TrivialAugment."""
