"""Runs functions on untrusted bytes in kept processes of their own, with limits of memory and time.

Readers of office files hang, exhaust memory and abort the whole process on some inputs; behind
this door they take only a worker with them. The worker is started once and replaced when it dies.
What it sends back is plain data: nothing that comes from a returned file is executed here.

``service`` says who reads for the program: processes of this computer (``worker``) unless somebody
else was chosen. Wherever a file is read, it is in such a process (``process``), within the same limits.
"""
