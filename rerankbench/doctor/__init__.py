"""Does this model score as its authors say, and what can this machine do?"""
