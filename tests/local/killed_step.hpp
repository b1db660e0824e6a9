// Runs something in a child process of the test and kills somebody with SIGKILL just before a chosen step of it.
//
// A step is a system call that others can see the effect of. Whoever takes part is stopped at each by ptrace: the caller,
// bubblewrap, berth-init, and what these start. So every moment of the product can be the last one, without a word
// about it in the product. Knows nothing of sandboxes.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace killed_step {

// Whose steps are counted: those of the child itself and of what it has started but that is no other program yet, or
// those of every other program.
enum class Actor { caller, helper };
enum class Victim { caller, actor, both };

struct Kill {
    std::size_t step = 1;  // the first is 1
    Actor actor = Actor::caller;
    Victim victim = Victim::caller;
};

struct Outcome {
    std::size_t caller_steps = 0;
    std::size_t helper_steps = 0;
    bool killed = false;     // there was such a step
    bool hung = false;       // it did not come to its end within a minute; it was killed then
    char at[200] = {};       // who was about to do what
    int caller_status = -1;  // as waitpid has it
};

// Runs `work` in a child. Steps count from the moment when it calls what it is given, and until it returns. The programs
// that it has started go on without being watched when this returns; those that lost their parents become ours.
Outcome run(const std::function<void(const std::function<void()>& begin)>& work, std::optional<Kill> kill);

// Why this machine lets nobody be watched; empty: it does.
std::string obstacle();

}  // namespace killed_step
