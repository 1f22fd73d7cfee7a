"""Speech in and out. Without the packages of the group ``voice`` the rest runs."""
