"""The county's own year (年度台账): its score, leaf by leaf, from registers and other campaigns."""
