"""Scoring of results: readers, COCO's measures, retrieval, kinds of error, intervals, and the report of a run.

Packages import in one direction: readers, coco, intervals, retrieval and scoring, errors, run.

Axis letters, here and in all of these:
    I images of a split, G its ground-truth items, D detections of a result file or of a ranking
    P pairs of a detection and an item, of which E detections are matched at some threshold in some column
    K categories, 13 (numbers 0..12, ids 1..13); S columns of the tables, 13 (see `matchrcnn.subsets`)
    T thresholds, 10; R recall points, 101; B resamples, or other weightings of the images
    Q queries of retrieval, N items of the user images, C numbers of retrieval, 5 or 17
    n those of them that a caller chooses
26 cells are the 13 columns and 13 categories, 39 is the most landmarks of a category, 294 are those of all.
"""
