"""Mail: what a message says, how it is built, sent and collected.

Owns smtplib and IMAPClient.
"""
