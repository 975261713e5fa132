"""Measurements that a document quotes."""
