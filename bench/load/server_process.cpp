#include "bench/load/server_process.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::system_category(), what);
}

[[noreturn]] void become(const std::vector<std::string>& command, int output, int processor) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(output, STDOUT_FILENO);
    if (processor >= 0) pin_to(processor);
    std::vector<char*> arguments;
    for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments.front(), arguments.data());
    fmt::print(stderr, "load: cannot start {}: {}\n", command.front(),
               std::generic_category().message(errno));
    ::_exit(127);
}

}  // namespace

void pin_to(int processor) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(processor), &only);
    if (::sched_setaffinity(0, sizeof only, &only) != 0) {
        fail(fmt::format("cannot run on processor {}", processor));
    }
}

server_process::server_process(const std::vector<std::string>& command, int processor) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    pid_ = ::fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) become(command, ends[1], processor);
    ::close(ends[1]);
    std::string line;
    for (char next = 0; ::read(ends[0], &next, 1) == 1 && next != '\n' && line.size() < 80;) {
        line += next;
    }
    ::close(ends[0]);
    port_ = static_cast<std::uint16_t>(std::strtoul(line.c_str(), nullptr, 10));
    if (port_ == 0) {
        throw std::runtime_error(
            fmt::format("{} printed '{}' instead of its port", command.front(), line));
    }
}

server_process::~server_process() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

std::chrono::nanoseconds server_process::processor_time() const {
    clockid_t clock{};
    if (const int error = ::clock_getcpuclockid(pid_, &clock); error != 0) {
        throw std::system_error(error, std::system_category(), "the server's clock");
    }
    timespec now{};
    if (::clock_gettime(clock, &now) != 0) fail("the server's clock");
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::size_t server_process::private_bytes() const {
    std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid_));
    std::size_t bytes = 0;
    for (std::string word; file >> word;) {
        if (!word.starts_with("Private_")) continue;
        std::size_t kilobytes = 0;
        if (file >> kilobytes) bytes += kilobytes * 1024;
    }
    return bytes;
}

}  // namespace bench
