// The main function of every test program.
//
// Why it is here: where io_uring is refused (containers often do), the run with
// MAYHEM_BACKEND=uring has nothing to test. It is skipped, visibly, instead of failing case by
// case. It refuses to skip anything else.

#include <cstdlib>
#include <cstring>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <liburing.h>
#include <string_view>

namespace {

/// The exit status by which meson knows a skipped test.
constexpr int skipped = 77;

/// 0, or the negative errno with which the kernel refuses a ring.
int try_a_ring() {
    io_uring ring{};
    const int result = io_uring_queue_init(2, &ring, 0);
    if (result == 0) io_uring_queue_exit(&ring);
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    const char* backend = std::getenv("MAYHEM_BACKEND");
    if (backend != nullptr && std::string_view(backend) == "uring") {
        if (const int refusal = try_a_ring(); refusal < 0) {
            fmt::print("Skipped: the kernel refuses io_uring ({}).\n", std::strerror(-refusal));
            return skipped;
        }
    }
    testing::InitGoogleMock(&argc, argv);
    return RUN_ALL_TESTS();
}
