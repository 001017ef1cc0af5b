// Everything with a descriptor, and executors: whoever is cancelled, what was opened is closed, and
// nothing is in flight on it.

#include <array>
#include <fcntl.h>
#include <unistd.h>

#include "tests/stress/everywhere/scenarios.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mayhem::testing {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// ---- Streams ------------------------------------------------------------------------------

template <typename Stream>
coro<> send_back(Stream connection) {
    std::array<std::byte, 64> buffer{};
    for (;;) {
        const std::size_t count = co_await connection.read_some(buffer);
        if (count == 0) break;
        co_await connection.write_all(std::span(buffer).first(count));
    }
    co_await connection.close();
}

template <typename Listener>
coro<> serve_one(std::shared_ptr<Listener> at) {
    auto connection = co_await at->accept();
    co_await send_back(std::move(connection));
}

/// Says hello and waits for the answer, in lines; then hangs up.
template <typename Stream>
coro<> say_hello(coro<Stream> connecting, notes& found) {
    Stream connection = co_await std::move(connecting);
    line_reader lines(connection);
    co_await connection.write_all("hello\n");
    const auto answer = co_await lines.read_line();
    found.require(!answer || *answer == "hello", "the answer is not what was sent");
    co_await connection.close();
}

/// When one of them did not end well, the other must not wait for it for ever.
coro<> see_both_to_the_end(std::vector<task<>> both) {
    co_await see_the_first(both);
    for (auto& one : both) {
        if (!one.done() || !one.exception()) continue;
        for (auto& other : both) other.cancel();
        break;
    }
    try {
        co_await see_to_the_end(both);
    } catch (const std::system_error&) {
        // The other end has gone: a reset connection or a refused one is what is to be expected.
    }
}

coro<> tcp_echo(notes& found) {
    auto listener = std::make_shared<tcp_listener>(tcp_listener::bind(address::loopback(0)));
    auto server = create_task(serve_one(listener), "server");
    auto client =
        create_task(say_hello(tcp_stream::connect(listener->local_address()), found), "client");
    co_await see_both_to_the_end(all_of(server, client));
    co_await listener->close();
}

coro<> unix_echo(notes& found) {
    const std::string path = found.keep<test::scratch_folder>().file("socket");
    auto listener = std::make_shared<unix_listener>(unix_listener::bind(path));
    auto server = create_task(serve_one(listener), "server");
    auto client = create_task(say_hello(unix_stream::connect(path), found), "client");
    co_await see_both_to_the_end(all_of(server, client));
    co_await listener->close();
}

coro<> write_and_close(pipe_writer writer) {
    const std::string much(std::size_t{200} * 1024, 'x');  // more than a pipe holds
    co_await writer.write_all(much);
    co_await writer.close();
}

coro<> read_to_the_end(pipe_reader reader) {
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    for (;;) {
        const std::size_t count = co_await reader.read_some(buffer);
        if (count == 0) break;
    }
    co_await reader.close();
}

coro<> through_a_pipe(notes&) {
    pipe_ends ends = make_pipe();
    auto writing = create_task(write_and_close(std::move(ends.writer)), "writer");
    auto reading = create_task(read_to_the_end(std::move(ends.reader)), "reader");
    co_await see_both_to_the_end(all_of(writing, reading));
}

coro<> send_datagram(address to) {
    udp_socket socket = udp_socket::connect(to);
    const std::string text = "ping";
    co_await socket.send(bytes_of(text));
    co_await socket.close();
}

coro<> receive_datagram(std::shared_ptr<udp_socket> on, notes& found) {
    std::array<std::byte, 64> buffer{};
    const datagram came = co_await on->receive_from(buffer);
    found.require(came.size == 4, "a datagram of another size came");
}

coro<> a_datagram(notes& found) {
    auto receiver = std::make_shared<udp_socket>(udp_socket::bind(address::loopback(0)));
    auto receiving = create_task(receive_datagram(receiver, found), "receiver");
    auto sending = create_task(send_datagram(receiver->local_address()), "sender");
    co_await see_both_to_the_end(all_of(receiving, sending));
    co_await receiver->close();
}

// ---- Files, threads, processes ------------------------------------------------------------

coro<> use_a_file(std::string path) {
    file opened = co_await file::open(path, O_RDWR | O_CREAT, 0600);
    const std::string text = "some text\nand more\n";
    co_await opened.write_all_at(bytes_of(text), 0);
    co_await opened.sync();
    line_reader lines(opened);
    (void)co_await lines.read_line();
    co_await opened.close();
}

coro<> a_file(notes& found) {
    const std::string path = found.keep<test::scratch_folder>().file("file");
    co_await see_to_the_end(all_of(create_task(use_a_file(path))));
}

coro<> look_up() { (void)co_await resolve("localhost", 80); }

coro<> a_look_up(notes&) { co_await see_to_the_end(all_of(create_task(look_up()))); }

coro<> use_threads(std::shared_ptr<int> shared) {
    auto job = [shared] { return *shared; };
    (void)co_await run_in_executor(job);
    thread_pool_executor own(1);
    (void)co_await run_in_executor(own, job);
}

coro<> jobs_in_threads(notes& found) {
    auto shared = std::make_shared<int>(7);
    const std::weak_ptr<int> seen = shared;
    found.afterwards([&found, seen] {
        found.require(seen.expired(), "a job outlives its executor and its loop");
    });
    co_await see_to_the_end(all_of(create_task(use_threads(std::move(shared)))));
}

coro<> run_cat() {
    process_options options;
    options.standard_input = stdio::pipe();
    options.standard_output = stdio::pipe();
    std::vector<std::string> command(1, "cat");
    process child = process::spawn(command, options);
    co_await child.standard_input().write_all("meow\n");
    co_await child.standard_input().close();
    line_reader lines(child.standard_output());
    (void)co_await lines.read_line();
    (void)co_await child.wait();
}

coro<> a_process(notes&) { co_await see_to_the_end(all_of(create_task(run_cat()))); }

}  // namespace

const std::vector<named_body>& io_scenarios() {
    static const std::vector<named_body> all{
        {"tcp_echo", tcp_echo},
        {"unix_echo", unix_echo},
        {"through_a_pipe", through_a_pipe},
        {"a_datagram", a_datagram},
        {"a_file", a_file},
        {"a_look_up", a_look_up},
        {"jobs_in_threads", jobs_in_threads},
        {"a_process", a_process},
    };
    return all;
}

}  // namespace mayhem::testing
