// The smallest program that runs a coroutine on a loop of Mayhem.

#include "tasks/run.hpp"

static mayhem::coro<int> hello() { co_return 0; }

int main() { return mayhem::run(hello()); }
