#include "upload.hpp"

#include "command_wrapper.hpp"
#include "text.hpp"

namespace berth_cloud {

namespace {

using berth::Code;
using berth::Error;

// Several of them are in memory at once, here and in the host.
constexpr std::size_t part_bytes = 960U << 10;
// So that the network is not idle while the sandbox unpacks, nor the sandbox while the network is slow.
constexpr std::size_t most_under_way = 3;
constexpr std::size_t most_actions = 2000;

// F number path: the file, put together where it came in parts. D number mode path. L number target path.
// What it prints: ":ok", or ":e CODE NUMBER".
constexpr const char* functions = R"SH(
fail() { echo ":e $1 $2"; rm -f "$f".*; exit 0; }
because() {
  case $m in
  *'No space'* | *'quota'*) fail space "$1" ;;
  *'Not a directory'*) fail notdir "$1" ;;
  *'s a directory'*) fail isdir "$1" ;;
  *) fail denied "$1" ;;
  esac
}
place() {
  d=${2%/*}
  d=${d:-/}
  [ -d "$d" ] && return
  m=$(mkdir -p "$d" 2>&1) && return
  while [ ! -e "$d" ] && [ -n "$d" ]; do d=${d%/*}; done
  [ -z "$d" ] || [ -d "$d" ] || fail notdir "$1"
  because "$1"
}
tmp=$(stat -c %d /tmp) same=
F() {
  place "$1" "$2"
  [ ! -d "$2" ] || fail isdir "$1"
  if [ ! -e "$f.$1" ]; then
    m=$(cat "$f.$1".* 2>&1 >"$f.$1") || because "$1"
    chmod "$3" "$f.$1"; rm -f "$f.$1".*
  fi
  [ "$d" = "$same" ] || if [ "$(stat -Lc %d "$d")" = "$tmp" ]; then same=$d; fi
  if [ "$d" = "$same" ]; then
    m=$(mv -f "$f.$1" "$2" 2>&1) || because "$1"
  else
    m=$(mv -f "$f.$1" "$d/.berth-$t" 2>&1 && mv -f "$d/.berth-$t" "$2" 2>&1) || { rm -f "$d/.berth-$t"; because "$1"; }
  fi
}
D() {
  [ ! -d "$3" ] || return
  [ ! -e "$3" ] || fail notdir "$1"
  place "$1" "$3"
  m=$(mkdir "$3" 2>&1) || because "$1"
  [ -z "$2" ] || chmod "$2" "$3"
}
L() {
  place "$1" "$3"
  if [ -d "$3" ] && [ ! -L "$3" ]; then fail isdir "$1"; fi
  m=$(rm -f "$3" 2>&1 && ln -s -- "$2" "$3" 2>&1) || because "$1"
}
)SH";

std::string octal(unsigned mode) {
    std::string text;
    for (int shift = 6; shift >= 0; shift -= 3)
        text += static_cast<char>('0' + (mode >> static_cast<unsigned>(shift) & 7U));
    return text;
}

}  // namespace

void Upload::take(berth::FileSource& source) {
    auto undo = call_.undo([this] { clean_up(); });
    try {
        while (const auto entry = source.next()) {
            if (current_ && *current_ != entry->operation) complete_.push_back(*current_);
            current_ = entry->operation;
            put(*entry, source);
            if (link_.staged() >= part_bytes) send();
            if (actions_.size() >= most_actions) settle(source);
        }
        if (current_) complete_.push_back(*current_);
        current_.reset();
        settle(source);
        undo.dismiss();
    } catch (const Error& error) {
        // What the host could not read stops the rest; what came before it stays.
        if (!error.is_recorded() || has_lost_one_ || call_.cancelled()) throw;
        if (is_reading_) {
            script_.erase(actions_.back().script_begin);
            actions_.pop_back();
        }
        settle(source);
        throw;
    }
}

void Upload::put(const berth::FileEntry& entry, berth::FileSource& source) {
    const std::string path = absolute_path(entry.path, directory_);
    const std::size_t number = actions_.size();
    actions_.push_back({entry.operation, path, script_.size()});
    const std::string where = " " + std::to_string(number) + " ";
    switch (entry.kind) {
        case berth::EntryKind::directory:
            script_ += "\nD" + where + quoted_word(entry.mode ? octal(*entry.mode) : "") + " " + quoted_word(path);
            break;
        case berth::EntryKind::symlink:
            script_ += "\nL" + where + quoted_word(entry.link_target) + " " + quoted_word(path);
            break;
        case berth::EntryKind::file: {
            const unsigned mode = entry.mode.value_or(0644);
            script_ += "\nF" + where + quoted_word(path) + " " + octal(mode);
            is_reading_ = true;
            put_content(number, mode, source);
            is_reading_ = false;
            break;
        }
    }
}

/// Whole when it fits into an archive, else in parts that are put together in the sandbox.
void Upload::put_content(std::size_t number, unsigned mode, berth::FileSource& source) {
    const std::string name = scratch_prefix(token_) + "." + std::to_string(number);
    for (int part = 0;; ++part) {
        content_.resize(part_bytes);
        std::size_t size = 0;
        while (size < part_bytes) {
            const std::size_t got = source.read(content_.data() + size, part_bytes - size);
            if (got == 0) break;
            size += got;
        }
        const std::string_view bytes = std::string_view{content_}.substr(0, size);
        if (part == 0 && size < part_bytes && link_.keeps_modes()) {
            link_.stage(name, bytes, mode);
            return;
        }
        if (size == 0 && part != 0) return;
        const std::string index = std::to_string(1'000'000 + part);
        link_.stage(name + "." + index, bytes, 0600);
        if (size < part_bytes) return;
        send();
        call_.progress("uploading");
    }
}

void Upload::send() {
    wait_for(most_under_way - 1);
    has_sent_ = true;
    link_.send_staged();
}

void Upload::wait_for(std::size_t left_under_way) {
    has_lost_one_ = true;
    link_.wait_for_staged(left_under_way);
    has_lost_one_ = false;
}

void Upload::settle(berth::FileSource& source) {
    if (!actions_.empty()) {
        const std::string script = scratch_prefix(token_) + ".c";
        link_.stage(script,
                    "t=" + token_ + " f=/tmp/.berth-$t" + functions + script_ + "\n\nrm -f \"$f\".*\necho :ok\n", 0600);
        send();
        wait_for(0);
        const ShellAnswer answer = link_.shell({"sh", script});
        if (answer.out.find(":ok") == std::string::npos) failed(answer.out + answer.err);
        actions_.clear();
        script_.clear();
    }
    for (const std::uint64_t operation : complete_)
        source.done(operation);
    complete_.clear();
}

void Upload::failed(std::string_view answer) {
    const std::size_t at = answer.find(":e ");
    const std::size_t space = at == std::string_view::npos ? at : answer.find(' ', at + 3);
    if (space == std::string_view::npos)
        throw Error(Code::execution_failed,
                    "the sandbox could not put files in place: " + std::string{answer.substr(0, 200)})
            .hint("the image must have sh, mkdir, mv, cat, stat, chmod, ln and rm");
    const std::string_view code = answer.substr(at + 3, space - at - 3);
    const std::size_t number = std::strtoull(std::string{answer.substr(space + 1, 9)}.c_str(), nullptr, 10);
    const auto [kind, what] = code == "isdir"    ? std::pair{Code::is_directory, "there is a directory"}
                              : code == "notdir" ? std::pair{Code::not_directory, "there is no directory"}
                              : code == "space"
                                  ? std::pair{Code::resource_exhausted, "the sandbox's disk is full"}
                                  : std::pair{Code::permission_denied, "the sandbox's user may not write there"};
    Error error(kind, what);
    if (number < actions_.size()) error.path(actions_[number].path).index(actions_[number].operation);
    throw error;
}

/// Best effort: what lies in the sandbox's /tmp goes with it at the latest.
void Upload::clean_up() noexcept {
    if (!has_sent_) return;
    // What still arrives would arrive behind the removal.
    while (link_.under_way() > 0) {
        try {
            wait_for(link_.under_way() - 1);
        } catch (const Error&) {
            continue;  // this one has ended, too
        }
    }
    try {
        link_.start({"sh", "-c", "rm -f " + scratch_prefix(token_) + ".*"});
    } catch (const Error&) {
        return;
    }
}

}  // namespace berth_cloud
