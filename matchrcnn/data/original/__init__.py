"""The data set as published: its folders, its annotation files, what is wrong with them, and counts of all that."""
