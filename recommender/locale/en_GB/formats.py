"""How the admin writes days and times: in one form, and times in UTC."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = r"j F Y, H:i \U\T\C"
