def peers(o):
    return []
