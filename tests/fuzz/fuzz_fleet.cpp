// What the fleet reads: lines of its ledger, which a crash may have torn, and the answers of
// whoever listens at a host's port. What is understood is written and read again as the same.

#include <nlohmann/json.hpp>

#include "mandrill/fleet/health.hpp"
#include "mandrill/fleet/ledger.hpp"
#include "tests/fuzz/fuzz_target.hpp"

std::vector<std::string> fuzz_examples() {
    mandrill::boot_record boot;
    boot.at_ms = 1'700'000'000'000;
    boot.host = "cattle-zpsk";
    boot.boot_id = "550e8400-e29b-41d4-a716-446655440000";
    boot.pid = 4711;
    boot.port = 40'000;
    boot.request = "r-1";
    const mandrill::health state{boot.host, boot.boot_id, boot.pid, 1234};
    return {to_json_line(boot),
            to_http_answer(state),
            "HTTP/1.1 200 \r\n\r\n{\"host\":\"a\",\"boot_id\":\"b\",\"pid\":1e3,\"uptime_ms\":-1}",
            R"({"at":1e400,"host":"","boot_id":"","pid":-1,"port":70000,"request":"\u0000"})",
            R"({"at":true,"host":null,"boot_id":[],"pid":99999999999,"port":-1,"request":{}})",
            R"({"at":1.5,"host":"h","boot_id":"b","pid":1,"port":2.5e3,"request":"r"})",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.0 404 Not found\r\n\r\n{}"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz_text(data, size);
    if (const auto boot = mandrill::parse_boot_record(text)) {
        const auto again = mandrill::parse_boot_record(to_json_line(*boot));
        fuzz_require(again == boot, "a boot is written and read as another one");
    }
    if (const auto state = mandrill::parse_http_answer(text)) {
        const auto again = mandrill::parse_http_answer(to_http_answer(*state));
        fuzz_require(again && again->host == state->host && again->boot_id == state->boot_id &&
                         again->pid == state->pid && again->uptime_ms == state->uptime_ms,
                     "a host's state is written and read as another one");
    }
    return 0;
}
