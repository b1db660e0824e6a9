// See tree_copy.hpp: how a directory is listed whose entries may be renamed meanwhile, and how one of them is found again.
//
// A name that is gone when it is looked at may be of something that only has another name now. So what was listed and is
// not copied is looked for by its number in further listings, until it is copied or in none of them. That has an end:
// then the whole copy fails. What comes to be after the first listing need not be in the copy.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <memory>
#include <set>
#include <unordered_set>

#include "directory_entry.hpp"
#include "failure.hpp"
#include "system_files.hpp"
#include "tree_copy_frame.hpp"

namespace berth_local {
namespace {

constexpr int most_listings = 200;  // of one directory in which something is renamed all the time
constexpr int most_pause_ms = 5;
constexpr int least_absences = 3;             // a listing may miss what is renamed just then
constexpr int most_tries = 20;                // when names go from one to another
constexpr std::chrono::seconds most_time{5};  // of looking for what is missing of one directory
constexpr int enough_listings = 6;            // of one that changes all the time, when nothing of the first is missing

using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

Listing open_listing(int directory) {
    Descriptor again = open_directory(directory, ".");
    Listing listing(again ? ::fdopendir(again.get()) : nullptr, ::closedir);
    if (listing) {
        (void)again.release();  // the listing's now
    }
    return listing;
}

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(now);
}

// The name that a directory has now. Absent: none that this listing shows.
std::optional<std::string> name_of(int parent, ino_t number) {
    const Listing listing = open_listing(parent);
    for (const dirent* found = listing ? next_entry(listing.get()) : nullptr; found != nullptr;
         found = next_entry(listing.get())) {
        struct stat info {};
        if ((found->d_type == DT_DIR || found->d_type == DT_UNKNOWN) &&
            ::fstatat(parent, found->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_ino == number) {
            return found->d_name;
        }
    }
    return std::nullopt;
}

// Of an entry, next to a moment. Where the file system does not say it is older.
enum class Age { older, newer, vanished };

Age age_of(int parent, const char* name, std::int64_t moment_ns) {
    struct statx info {};
    if (::statx(parent, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) != 0) {
        return errno == ENOENT ? Age::vanished : Age::older;
    }
    const std::int64_t made = std::int64_t{info.stx_btime.tv_sec} * 1'000'000'000 + info.stx_btime.tv_nsec;
    return (info.stx_mask & STATX_BTIME) != 0 && made >= moment_ns ? Age::newer : Age::older;
}

[[noreturn]] void too_fast(const std::string& path) {
    Failure failed = failure(BERTH_CONFLICT, "files are renamed faster than they can be copied",
                             "stop what renames them, and try again");
    failed.path = path;
    throw failed;
}

}  // namespace

struct TreeCopy::Scan {
    int listings = 0;
    std::int64_t begin_ns = now_ns();
    std::unordered_set<ino_t> copied;                     // those with one name
    std::set<std::pair<ino_t, std::string>> also_copied;  // those with several
    std::map<ino_t, int> missed;                          // of the first listing, and how often none showed it
    std::unordered_set<ino_t> shown;                      // of the missed, by the newest listing
};

// Copies everything in the newest directory but its directories, which wait.
void TreeCopy::scan() {
    const Copied before = copied_;
    for (int tries = 0; tries < most_tries; ++tries) {
        if (try_scan() == Scanned::all) {
            return;
        }
        forget_scan(before);
    }
    too_fast(path_of({}));
}

// Names have gone from one to another: what lies in the copy under a name may not be what has it now. From the start.
void TreeCopy::forget_scan(const Copied& before) {
    Frame& frame = frames_.back();
    for (const std::string& name : names_in(frame.target.get())) {
        if (::unlinkat(frame.target.get(), name.c_str(), 0) != 0 &&
            ::unlinkat(frame.target.get(), name.c_str(), AT_REMOVEDIR) != 0) {
            fail("cannot remove a file just made", errno, name);
        }
    }
    frame.below.clear();
    copied_ = before;
}

TreeCopy::Scanned TreeCopy::try_scan() {
    Scan scan;
    std::optional<Clock::time_point> until;
    for (; scan.listings < most_listings; ++scan.listings) {
        const std::int64_t begin = now_ns();
        scan.shown.clear();
        if (list(scan) == Scanned::collided) {
            return Scanned::collided;
        }
        for (auto missed = scan.missed.begin(); missed != scan.missed.end();) {
            missed->second = scan.shown.count(missed->first) != 0 ? 0 : missed->second + 1;
            missed = missed->second >= least_absences ? scan.missed.erase(missed) : std::next(missed);
        }
        const bool enough = !changing() || scan.listings >= enough_listings || !changed_since(begin);
        if (scan.missed.empty() && enough) {
            return Scanned::all;
        }
        until = until.value_or(Clock::now() + most_time);
        if (!scan.missed.empty()) {
            if (Clock::now() > *until) {
                break;
            }
            ::poll(nullptr, 0, std::min(scan.listings / 4, most_pause_ms));
        }
    }
    too_fast(path_of({}));
}

bool TreeCopy::changed_since(std::int64_t moment_ns) const {
    struct stat info {};
    return ::fstat(frames_.back().source.get(), &info) != 0 || nanoseconds(info.st_mtim) >= moment_ns - clock_step_ns;
}

TreeCopy::Scanned TreeCopy::list(Scan& scan) {
    const Listing listing = open_listing(frames_.back().source.get());
    if (!listing) {
        fail("cannot list a directory", errno);
    }
    const dirent* found = nullptr;
    while ((found = next_entry(listing.get())) != nullptr) {
        if (scan.copied.count(found->d_ino) == 0 && look(scan, *found) == Scanned::collided) {
            return Scanned::collided;
        }
    }
    if (errno != 0) {
        fail("cannot list a directory", errno);
    }
    return Scanned::all;
}

// A number that was missed may be that of something new by now.
TreeCopy::Scanned TreeCopy::look(Scan& scan, const dirent& found) {
    const ino_t number = found.d_ino;
    const auto age = [&] { return age_of(frames_.back().source.get(), found.d_name, scan.begin_ns); };
    const Age before = scan.listings == 0 ? Age::older : age();
    const Made made = before == Age::older ? visit(scan, found) : before == Age::newer ? Made::no : Made::vanished;
    if (made == Made::collides && age() == Age::older) {
        return Scanned::collided;
    }
    if (made != Made::vanished) {
        scan.missed.erase(number);
        return Scanned::all;
    }
    if (scan.listings == 0) {
        scan.missed.emplace(number, 0);
    }
    scan.shown.insert(number);
    return Scanned::all;
}

TreeCopy::Made TreeCopy::visit(Scan& scan, const dirent& found) {
    if (found.d_type == DT_DIR && !changing()) {
        frames_.back().below.push_back({found.d_name, 0});
        return Made::yes;
    }
    struct stat info {};
    if (::fstatat(frames_.back().source.get(), found.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (changing() && errno == ENOENT) {
            return Made::vanished;
        }
        step();
        fail("cannot look at a file", errno, found.d_name);
    }
    const bool one_name = S_ISDIR(info.st_mode) || info.st_nlink == 1;
    if (changing() &&
        (one_name ? scan.copied.count(info.st_ino) != 0 : scan.also_copied.count({info.st_ino, found.d_name}) != 0)) {
        return Made::yes;
    }
    if (S_ISDIR(info.st_mode)) {
        const Made made = directory(found.d_name, info);
        scan.copied.insert(changing() && made == Made::yes ? info.st_ino : 0);
        return made;
    }
    step();
    const Made made = entry(found.d_name, info);
    if (changing() && (made == Made::yes || made == Made::no)) {
        if (one_name) {
            scan.copied.insert(info.st_ino);
        } else {
            scan.also_copied.emplace(info.st_ino, found.d_name);
        }
    }
    return made;
}

// It is made at once, so that nothing else gets its name.
TreeCopy::Made TreeCopy::directory(const char* name, const struct stat& info) {
    Frame& frame = frames_.back();
    if (changing() && ::mkdirat(frame.target.get(), name, 0700) != 0) {
        if (errno == EEXIST) {
            return Made::collides;
        }
        fail("cannot make a directory", errno, name);
    }
    frame.below.push_back({name, changing() ? info.st_ino : 0});
    return Made::yes;
}

// Absent: it is gone. `below` keeps the name that it was listed with.
std::optional<TreeCopy::Frame> TreeCopy::open_source(int source, Below& below) const {
    Below now = below;
    for (int tries = 0, absences = 0; tries < most_listings; ++tries) {
        if (std::optional<Frame> frame = try_open_source(source, now)) {
            return frame;
        }
        if (below.number == 0) {
            return std::nullopt;
        }
        settings_.on_step();
        ::poll(nullptr, 0, std::min(tries / 4, most_pause_ms));
        const std::optional<std::string> name = name_of(source, below.number);
        absences = name ? 0 : absences + 1;
        if (absences == least_absences) {
            return std::nullopt;
        }
        now.name = name.value_or(now.name);
    }
    too_fast(path_of(below.name));
}

// Absent: it is not there by that name.
std::optional<TreeCopy::Frame> TreeCopy::try_open_source(int source, const Below& below) const {
    Frame frame;
    frame.source = Descriptor(::openat(source, below.name.c_str(), reading | O_DIRECTORY));
    if (!frame.source && errno == EACCES) {
        frame.source = open_closed(source, below.name.c_str(), reading | O_DIRECTORY, 0500, &frame.lent);
    }
    if (!frame.source) {
        if (changing() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
            return std::nullopt;
        }
        fail("cannot open a directory", errno, below.name);
    }
    if (::fstat(frame.source.get(), &frame.info) != 0) {
        fail("cannot look at a directory", errno, below.name);
    }
    return below.number == 0 || frame.info.st_ino == below.number ? std::optional(std::move(frame)) : std::nullopt;
}

}  // namespace berth_local
