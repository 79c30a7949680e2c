"""Bundles from worker to worker: hints that make delivery quick."""
