// A program outside: it knows the installed headers and what pkg-config says, nothing of this tree.
#include <mayhem.hpp>

using namespace std::chrono_literals;

mayhem::coro<int> answer() {
    co_await mayhem::sleep(1ms);
    co_return 42;
}

int main() { return mayhem::run(answer()) == 42 ? 0 : 1; }
