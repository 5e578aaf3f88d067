//! The directory from outside: messages in, locations and reports out.
