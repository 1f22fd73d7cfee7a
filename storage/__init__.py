"""Where things are kept: the only place with SQL besides actions/booking/store.py."""
