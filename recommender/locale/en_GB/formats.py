"""How the admin writes days and times: in one form, and times in UTC; and how forms read them."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = r"j F Y, H:i \U\T\C"
# The first is what a form shows; no day of it can be taken for a month.
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%d %B %Y", "%d %b %Y"]
