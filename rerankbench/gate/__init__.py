"""Two sets of records → verdicts: did quality, speed or memory become worse?"""
