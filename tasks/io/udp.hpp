// UDP: datagrams, each sent and received whole or not at all.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <type_traits>

#include "tasks/coro/coro.hpp"
#include "tasks/io/address.hpp"
#include "tasks/io/descriptor.hpp"
#include "tasks/io/io_awaiter.hpp"

namespace mayhem {

/// What came with a datagram.
struct datagram {
    std::size_t size;  ///< bytes in the buffer
    address from;
    bool truncated;  ///< it was longer than the buffer: the rest is gone
};

namespace detail {

/// The message header that the kernel works on, which must not move meanwhile.
class message_call : public io_awaiter {
  protected:
    message_call(descriptor& on, std::span<std::byte> into);
    message_call(descriptor& on, std::span<const std::byte> data, const mayhem::address* to);

    [[nodiscard]] datagram received(std::int32_t size) const noexcept;

  private:
    mayhem::address peer_;
    sockaddr_storage from_{};
    iovec part_{};
    msghdr header_{};
};

template <bool Throws>
class receive_call final : public message_call {
  public:
    using answer = std::conditional_t<Throws, datagram, std::expected<datagram, std::error_code>>;
    receive_call(descriptor& on, std::span<std::byte> into) : message_call(on, into) {}

    answer await_resume() {
        const std::int32_t outcome = take_result();
        if (outcome >= 0) return received(outcome);
        if constexpr (Throws) {
            throw_failure(outcome);
        } else {
            return std::unexpected(errno_code(outcome));
        }
    }
};

template <bool Throws>
class send_call final : public message_call {
  public:
    using answer = std::conditional_t<Throws, void, std::expected<void, std::error_code>>;
    send_call(descriptor& on, std::span<const std::byte> data, const mayhem::address* to)
        : message_call(on, data, to) {}

    answer await_resume() {
        const std::int32_t outcome = take_result();
        if (outcome >= 0) return answer();
        if constexpr (Throws) {
            throw_failure(outcome);
        } else {
            return std::unexpected(errno_code(outcome));
        }
    }
};

}  // namespace detail

/// Move-only. One task may receive while another sends. As with streams, calls throw
/// std::system_error and `cancelled`, and a datagram that has arrived is delivered even when the
/// task is cancelled meanwhile.
class udp_socket {
  public:
    udp_socket() noexcept = default;

    /// A socket that receives what is sent to `where`; port 0 lets the kernel choose.
    /// @throws std::system_error that names the address
    static udp_socket bind(const address& where);
    /// A socket that sends to `peer` only, and receives from it only. Nothing is sent by that.
    static udp_socket connect(const address& peer);

    /// Sends one datagram to the peer of `connect`.
    [[nodiscard]] auto send(std::span<const std::byte> data) {
        return detail::send_call<true>(state(), data, nullptr);
    }
    [[nodiscard]] auto try_send(std::span<const std::byte> data) {
        return detail::send_call<false>(state(), data, nullptr);
    }
    /// Sends one datagram to `to`. @throws std::system_error (EMSGSIZE when it is too long)
    [[nodiscard]] auto send_to(std::span<const std::byte> data, const address& to) {
        return detail::send_call<true>(state(), data, &to);
    }
    [[nodiscard]] auto try_send_to(std::span<const std::byte> data, const address& to) {
        return detail::send_call<false>(state(), data, &to);
    }

    /// The next datagram. ECONNREFUSED, on a connected socket, says that an earlier one found
    /// nobody.
    [[nodiscard]] auto receive_from(std::span<std::byte> buffer) {
        return detail::receive_call<true>(state(), buffer);
    }
    [[nodiscard]] auto try_receive_from(std::span<std::byte> buffer) {
        return detail::receive_call<false>(state(), buffer);
    }

    [[nodiscard]] address local_address() const;

    /// As byte_stream::close.
    coro<void> close() { return state().close(); }
    [[nodiscard]] bool is_open() const noexcept { return state_ && state_->is_open(); }
    [[nodiscard]] int native_handle() const noexcept { return state_ ? state_->get() : -1; }

  private:
    explicit udp_socket(unique_fd socket);
    [[nodiscard]] detail::descriptor& state() const noexcept;

    std::unique_ptr<detail::descriptor> state_;
};

}  // namespace mayhem
