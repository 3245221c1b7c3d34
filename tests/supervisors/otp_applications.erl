%% One application on Erlang: what it writes as it lives and ends, and whether the node lives on.
-module(otp_applications).
-behaviour(application).
-export([main/1, run/3, start/2, start_phase/3, prep_stop/1, stop/1, init/1]).

%% Started with -s: outside of the boot process, so that the node has booted.
main([Restart, Reason, Deed]) ->
    logger:set_primary_config(level, none),
    spawn(?MODULE, run, [Restart, reason(Reason), Deed]).

run(Restart, Reason, Deed) ->
    Args = case Deed of fail -> {fail, Reason}; _ -> ok end,
    ok = application:load({application, diary, [
        {description, ""}, {vsn, "1"}, {modules, []}, {registered, []}, {applications, []},
        {start_phases, [{one, 1}]}, {mod, {?MODULE, Args}}]}),
    _ = (catch application:start(diary, Restart)),
    case Deed of
        die -> catch sys:terminate(top, Reason);
        stop -> ok = application:stop(diary);
        fail -> ok
    end,
    settled(),
    write("alive"),
    halt(0).

%% The controller answers once the application is gone; if it ends with it, so does the node.
settled() ->
    case catch application:which_applications() of
        {'EXIT', _} -> receive never -> ok end;
        Running -> case lists:keymember(diary, 1, Running) of true -> settled(); false -> ok end
    end.

reason(detail) -> {shutdown, detail};
reason(Reason) -> Reason.

write(What) -> io:format("~s~n", [What]).

start(_, {fail, Reason}) ->
    exit(Reason);
start(_, ok) ->
    write("start"),
    {ok, Pid} = supervisor:start_link({local, top}, ?MODULE, []),
    {ok, Pid, state}.

start_phase(Phase, _, _) -> write(["phase ", atom_to_list(Phase)]), ok.

prep_stop(State) -> write(["prep_stop, the tree ", tree()]), State.

stop(_) -> write(["stop, the tree ", tree()]).

tree() -> case whereis(top) of undefined -> "is gone"; _ -> "runs" end.

init([]) -> {ok, {#{}, []}}.
