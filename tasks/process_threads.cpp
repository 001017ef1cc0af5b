#include "tasks/process_threads.hpp"

#include <array>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include "loop/fd.hpp"
#include "loop/stall_watchdog.hpp"

namespace mayhem::detail {
namespace {

// ThreadSanitizer runs a thread of its own, which wakes nobody.
constexpr std::size_t sanitizer_threads() {
#if defined(__SANITIZE_THREAD__)
    return 1;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return 1;
#endif
#endif
    return 0;
}

/// io_uring's workers are called iou-wrk-PID, its poller iou-sqp-PID.
bool is_of_io_uring(const char* thread_id) noexcept {
    std::array<char, 288> path{};  // a name in a folder has up to 255 bytes
    std::snprintf(path.data(), path.size(), "/proc/self/task/%s/comm", thread_id);
    const unique_fd file(::open(path.data(), O_RDONLY | O_CLOEXEC));
    if (!file) return true;  // it has ended meanwhile
    std::array<char, 16> name{};
    const ssize_t count = ::read(file.get(), name.data(), name.size());
    return count <= 0 ||
           std::string_view(name.data(), static_cast<std::size_t>(count)).starts_with("iou-");
}

}  // namespace

std::size_t count_threads() noexcept {
    DIR* tasks = ::opendir("/proc/self/task");
    if (tasks == nullptr) return 2;  // unknown: assume that somebody else is there
    std::size_t count = 0;
    while (const dirent* entry = ::readdir(tasks)) {
        if (entry->d_name[0] != '.' && !is_of_io_uring(entry->d_name)) ++count;
    }
    ::closedir(tasks);
    return count - sanitizer_threads() - stall_watchdog::threads();
}

}  // namespace mayhem::detail
