// A file that appears under its name whole or not at all. It is written without a name and then linked into its place,
// which costs a directory half of what a temporary name and a rename do; where that cannot be, it is these.
//
// Knows nothing of uploads. Results are 0 or an errno.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace berth_init {

class PlacedFile {
public:
    PlacedFile() = default;
    ~PlacedFile() { abandon(); }
    PlacedFile(const PlacedFile&) = delete;
    PlacedFile& operator=(const PlacedFile&) = delete;

    // In the directory `parent`, which must stay open until the end. The umask must be 0.
    int begin(int parent, mode_t mode);
    [[nodiscard]] bool begun() const { return file_ >= 0; }
    // How long it will be: room is made at once, where the file system can, which is faster than piece by piece. Only a
    // help; whether there is room is told by what is written.
    void expect(std::uint64_t length) const;
    int write_all(std::string_view bytes);
    // Takes the place of a file that is there.
    int finish(const char* name);
    void abandon();

    // A name that nobody else uses, for links on their way, too.
    const char* next_temporary();

private:
    int give_name(const char* name) const;

    int parent_ = -1;
    int file_ = -1;
    bool can_be_nameless_ = true;  // the file system knows O_TMPFILE
    bool nameless_ = false;        // the file in hand is
    char temporary_[48] = {};
    unsigned counter_ = 0;
};

}  // namespace berth_init
