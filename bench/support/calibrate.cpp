// Tells whether the machine is calm: how long a fixed piece of work takes, in user code and in the
// kernel. `bench/run` runs it between all measurements; one whose neighbour was slow is noise.
//
// It is a program of its own and does nothing that a competitor does better or worse.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr int chunks = 12;

double now_us() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::micro>(now).count();
}

/// The median of several short pieces: an interrupt spoils one of them only.
template <typename Work>
double median_us(Work work) {
    std::array<double, chunks> times{};
    for (double& time : times) {
        const double begin = now_us();
        work();
        time = now_us() - begin;
    }
    std::nth_element(times.begin(), times.begin() + chunks / 2, times.end());
    return times[chunks / 2];
}

void compute() {
    volatile std::uint64_t sink = 0;
    std::uint64_t value = 88172645463325252;
    for (int step = 0; step < 100'000; ++step) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    sink = value;
    static_cast<void>(sink);
}

void talk(int from, int to) {
    std::array<char, 64> message{};
    for (int step = 0; step < 300; ++step) {
        if (::write(from, message.data(), message.size()) < 0) return;
        if (::read(to, message.data(), message.size()) < 0) return;
    }
}

}  // namespace

int main() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
    const double user = median_us(compute);
    const double kernel = median_us([&] { talk(ends[0], ends[1]); });
    std::printf("{\"user_us\": %.2f, \"kernel_us\": %.2f}\n", user, kernel);
}
