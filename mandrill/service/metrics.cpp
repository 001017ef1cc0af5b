#include "mandrill/service/metrics.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

#include "loop/fd.hpp"

namespace mandrill {

std::string metrics::to_text() const {
    std::string text;
    const auto counter = [&text](const char* name, const char* help, auto value) {
        text += fmt::format("# HELP mandrill_{0} {1}\n# TYPE mandrill_{0} counter\n", name, help);
        text += fmt::format("mandrill_{} {}\n", name, value);
    };
    counter("messages_pulled_total", "Deliveries taken from the broker.", pulled);
    counter("messages_saved_total", "Messages noted in the database.", saved);
    counter("hosts_restarted_total", "Restarts that were verified.", restarted);
    counter("restarts_recovered_total", "Restarts of a killed process found done.", recovered);
    counter("restarts_failed_total", "Restarts that failed.", restart_failed);
    counter("leases_extended_total", "Extensions of leases.", extended);
    counter("leases_lost_total", "Leases that another delivery took over.", leases_lost);
    counter("messages_acked_total", "Messages done.", acked);
    counter("messages_nacked_total", "Messages given back.", nacked);
    counter("messages_dead_lettered_total", "Messages given up.", dead_lettered);
    counter("requests_rejected_total", "Requests that were malformed or unknown.", rejected);
    counter("handling_seconds_total", "Time from pull to ack, summed over messages.",
            static_cast<double>(handling_total.count()) / 1000.0);
    return text;
}

void metrics::write_to(const std::filesystem::path& file) const {
    const std::string text = to_text();
    const std::filesystem::path draft = file.string() + ".new";
    const mayhem::unique_fd fd(
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const auto fail = [&] {
        throw std::system_error(errno, std::system_category(), "writing " + draft.string());
    };
    if (!fd) fail();
    std::size_t done = 0;
    while (done < text.size()) {
        const auto written = ::write(fd.get(), text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail();
        done += static_cast<std::size_t>(written);
    }
    std::filesystem::rename(draft, file);
}

}  // namespace mandrill
