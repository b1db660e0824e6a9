// Large streams through `berth exec` cost no memory. A program of its own that stays small itself: Linux counts the
// memory of whoever starts a program into that program's peak.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "berth_program.hpp"

using namespace berth_test;

namespace {

using Block = std::array<char, 65536>;

/// Every block of the file is different.
void write_blocks(int descriptor, std::size_t size) {
    Block block{};
    for (std::size_t done = 0; done < size; done += block.size()) {
        for (std::size_t index = 0; index < block.size(); ++index) {
            block[index] = static_cast<char>(index * 7 + index / 251 + done / block.size() * 3);
        }
        REQUIRE(berth::write_all(descriptor, {block.data(), block.size()}) == 0);
    }
}

std::size_t read_block(int descriptor, Block& block) {
    std::size_t filled = 0;
    while (filled < block.size()) {
        const auto count = ::read(descriptor, block.data() + filled, block.size() - filled);
        if (count <= 0) break;
        filled += static_cast<std::size_t>(count);
    }
    return filled;
}

bool same_bytes(int one, int other) {
    Block mine{};
    Block theirs{};
    REQUIRE(::lseek(one, 0, SEEK_SET) == 0);
    REQUIRE(::lseek(other, 0, SEEK_SET) == 0);
    while (true) {
        const auto count = read_block(one, mine);
        if (read_block(other, theirs) != count) return false;
        if (count == 0) return true;
        if (std::memcmp(mine.data(), theirs.data(), count) != 0) return false;
    }
}

berth::FileDescriptor open_file(const std::string& path) {
    return berth::FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

/// `exec -i REF -- cat` with a file of that size on stdin, compared byte for byte; the peak memory of berth.
long peak_of_echo(const Workspace& workspace, const std::string& sandbox, std::size_t size) {
    const auto input = open_file(workspace.path("in"));
    const auto output = open_file(workspace.path("out"));
    write_blocks(input.get(), size);
    REQUIRE(::lseek(input.get(), 0, SEEK_SET) == 0);
    const auto ended =
        workspace.berth({"exec", "-i", sandbox, "--", "cat"}, {.input = input.get(), .output = output.get()});
    INFO(ended.error);
    REQUIRE(ended.exit_code == 0);
    CHECK(same_bytes(input.get(), output.get()));
    return ended.peak_kib;
}

}  // namespace

TEST_CASE("64 MiB through stdin and stdout arrive whole and take no more memory than 1 MiB") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    const auto small = peak_of_echo(workspace, sandbox, std::size_t{1} << 20U);
    const auto large = peak_of_echo(workspace, sandbox, std::size_t{64} << 20U);
    MESSAGE("peak memory: " << small << " KiB at 1 MiB, " << large << " KiB at 64 MiB");
#ifndef BERTH_SANITIZED
    CHECK(large <= small + 4096);
#endif
}
