// Standard input read whole.
#include "cli/whole_input.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

using namespace berth;
using namespace berth::cli;

namespace {

std::string error_number(int descriptor, const std::stop_token& stop) {
    try {
        static_cast<void>(read_whole_input(descriptor, "p", stop));
    } catch (const Error& error) {
        return std::string(error.diagnostic());
    }
    return "none";
}

void feed(FileDescriptor target, std::size_t count) {
    const std::string piece(1 << 16, 'x');
    while (count > 0) {
        const auto size = std::min(count, piece.size());
        if (write_all(target.get(), std::string_view(piece).substr(0, size)) != 0) return;
        count -= size;
    }
}

}  // namespace

TEST_CASE("a pipe is read to its end, up to 16 MiB exactly") {
    for (const auto extra : {std::size_t{0}, std::size_t{1}}) {
        auto pipe = make_pipe();
        std::thread feeder(feed, std::move(pipe.write_end), most_whole_input + extra);
        if (extra == 0) {
            CHECK(read_whole_input(pipe.read_end.get(), "p", {}).size() == most_whole_input);
        } else {
            CHECK(error_number(pipe.read_end.get(), {}) == "BERTH-X-08");
        }
        feeder.join();
    }
}

TEST_CASE("reading is ended by a stop") {
    const auto pipe = make_pipe();
    std::stop_source stop;
    std::thread stopper([&stop] { stop.request_stop(); });
    CHECK(error_number(pipe.read_end.get(), stop.get_token()) == "BERTH-X-06");
    stopper.join();
}

TEST_CASE("what cannot be read is an error") {
    FileDescriptor directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(error_number(directory.get(), {}) == "BERTH-X-05");
}
