// The server under load: a process of its own, so that its processor time and its memory are its
// own, too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

/// Keeps the calling thread, and what it starts from now on, on one processor.
/// @throws std::system_error
void pin_to(int processor);

/// Started by the constructor, killed by the destructor.
class server_process {
  public:
    /// Starts `command` on one processor (-1: on any) and waits until it has printed the port that
    /// it listens on. @throws std::system_error, std::runtime_error when it ends without a port
    server_process(const std::vector<std::string>& command, int processor);
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;
    ~server_process();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// Processor time that all of its threads have used.
    [[nodiscard]] std::chrono::nanoseconds processor_time() const;
    /// What it holds in physical memory, without what it shares with others.
    [[nodiscard]] std::size_t private_bytes() const;

  private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace bench
