//! The supervisor from outside: peers come, go and die.
