%% Links, monitors, exit signals and names among a handful of processes. signals.py does the same with Regrow.
%%
%% A scenario is {[{Name, Trap}], [{Name, Command}]}: one process after the other does something, and each time
%% everything that follows from it happens. A phase of the answer is "answer; received; deaths; names".
-module(signals).
-export([run/1]).

run({Processes, Commands}) ->
    Named = [{Name, spawn(fun() -> live(Name, Trap) end)} || {Name, Trap} <- Processes],
    [tell(Pid, {names, Named}) || {_, Pid} <- Named],
    Monitors = [{monitor(process, Pid), Name} || {Name, Pid} <- Named],
    play(Commands, maps:from_list(Named), maps:from_list(Monitors), 1).

play([], Named, _, _) ->
    [exit(Pid, kill) || Pid <- maps:values(Named)],
    [];
play([{Name, Command} | Rest], Named, Monitors, Number) ->
    #{Name := Pid} = Named,
    Answer =
        case is_process_alive(Pid) of
            true -> tell(Pid, {do, Number, Command});
            false -> dead
        end,
    settle(maps:values(Named)),
    {Deaths, Living} = deaths(Monitors, Named),
    Received = [received(One, maps:get(One, Named)) || One <- lists:sort(maps:keys(Named))],
    Names = [[atom_to_list(N), "=", name_of(whereis(unique(N)), maps:to_list(Named))] || N <- [na, nb]],
    Shown = case is_process_alive(Pid) of true -> Answer; false -> dead end,
    Phase = [
        atom_to_list(Shown), "; ", lists:join(" ", [One || One <- Received, One =/= ""]), "; ",
        lists:join(" ", Deaths), "; ", lists:join(" ", Names)
    ],
    [Phase | play(Rest, Named, Living, Number + 1)].

%% Other scenarios use the same names at the same time.
unique(Name) -> list_to_atom(atom_to_list(Name) ++ pid_to_list(scenario())).

scenario() -> case get(scenario) of undefined -> self(); Pid -> Pid end.

name_of(undefined, _) -> "none";
name_of(Pid, Named) -> {Name, Pid} = lists:keyfind(Pid, 2, Named), atom_to_list(Name).

tell(Pid, What) ->
    Ref = monitor(process, Pid),
    Pid ! {Ref, self(), What},
    receive
        {Ref, Answer} -> demonitor(Ref, [flush]), Answer;
        {'DOWN', Ref, process, Pid, _} -> dead
    end.

%% Every signal has arrived: nobody alive is linked to the dead, or watches them.
settle(Pids) ->
    case lists:all(fun is_settled/1, Pids) of
        true -> ok;
        false -> receive after 1 -> ok end, settle(Pids)
    end.

is_settled(Pid) ->
    case process_info(Pid, [links, monitors]) of
        undefined -> not is_process_alive(Pid);
        [{links, Links}, {monitors, Monitors}] ->
            lists:all(fun is_process_alive/1, Links) andalso lists:all(fun is_active/1, Monitors)
    end.

is_active({process, Pid}) when is_pid(Pid) -> is_process_alive(Pid);
is_active({process, {_, _}}) -> true.

deaths(Monitors, Named) ->
    Dead = [{Ref, Name} || {Ref, Name} <- maps:to_list(Monitors), not is_process_alive(maps:get(Name, Named))],
    Texts = [receive {'DOWN', Ref, process, _, Reason} -> lists:flatten([atom_to_list(Name), "=", reasons:text(Reason)]) end
             || {Ref, Name} <- Dead],
    {lists:sort(Texts), maps:without([Ref || {Ref, _} <- Dead], Monitors)}.

received(Name, Pid) ->
    case tell(Pid, received) of
        dead -> "";
        [] -> "";
        Log -> [atom_to_list(Name), "[", lists:join(" ", Log), "]"]
    end.

%% A process.

live(Name, Trap) ->
    process_flag(trap_exit, Trap),
    loop(#{name => Name, names => #{}, monitors => [], aliases => [], log => []}).

loop(State = #{log := Log}) ->
    receive
        {Ref, Runner, {names, Named}} when is_reference(Ref) ->
            put(scenario, Runner),
            Runner ! {Ref, ok},
            loop(State#{names := maps:from_list(Named)});
        {Ref, Runner, received} when is_reference(Ref) ->
            Runner ! {Ref, [text(Message, State) || Message <- lists:reverse(Log)]},
            loop(State#{log := []});
        {Ref, Runner, {do, _, return}} when is_reference(Ref), is_pid(Runner) ->
            done;
        {Ref, Runner, {do, Number, Command}} when is_reference(Ref) ->
            {Answer, Next} =
                try act(Command, Number, State) of
                    {_, #{}} = Both -> Both;
                    true -> {ok, State};
                    ok -> {ok, State}
                catch error:Error when Error =:= badarg; Error =:= noproc -> {Error, State}
                end,
            Runner ! {Ref, Answer},
            loop(Next);
        {write_to, Alias, Number} ->
            #{name := Name} = State,
            [Alias ! {message, Name, {Number, Part}} || Part <- [1, 2]],
            loop(State);
        Message ->
            loop(State#{log := [Message | Log]})
    end.

act({link, To}, _, State) -> link(pid(To, State));
act({unlink, To}, _, State) -> unlink(pid(To, State));
act({monitor, To}, _, State) -> watched(monitor(process, pid(To, State)), To, State);
act({monitor_name, Name}, _, State) -> watched(monitor(process, unique(Name)), Name, State);
act({demonitor, Index}, _, State = #{monitors := Monitors}) ->
    case Monitors of
        [] -> ok;
        _ -> {Ref, _} = lists:nth(Index rem length(Monitors) + 1, Monitors), {demonitor(Ref, [info]), State}
    end;
act({kill_and_demonitor, To, Options}, _, State) ->
    Ref = monitor(process, pid(To, State)),
    exit(pid(To, State), kill),
    in_mailbox(fun({'DOWN', R, _, _, _}) -> R =:= Ref; (_) -> false end),
    Answer = demonitor(Ref, [info | Options]),
    {_, Next} = watched(Ref, To, State),
    {Answer, Next};
act({kill_and_unlink, To}, _, State) ->
    Pid = pid(To, State),
    link(Pid),
    exit(Pid, kill),
    in_mailbox(fun({'EXIT', P, _}) -> P =:= Pid; (_) -> false end),
    unlink(Pid);
act({signal, To, Reason}, _, State) -> exit(pid(To, State), Reason);
act({burst, To, Reason}, Number, State = #{name := Name}) ->
    Pid = pid(To, State),
    Pid ! {message, Name, {Number, 1}},
    exit(Pid, Reason),
    Pid ! {message, Name, {Number, 2}},
    ok;
act({send, To}, Number, State = #{name := Name}) -> pid(To, State) ! {message, Name, {Number, 0}}, ok;
act({send_name, To}, Number, #{name := Name}) -> unique(To) ! {message, Name, {Number, 0}}, ok;
act({exit, Reason}, _, _) -> exit(Reason);
act(raise, _, _) -> error(badarith);
act({trap, On}, _, State) -> {process_flag(trap_exit, On), State};
act({register, Name, To}, _, State) -> register(unique(Name), pid(To, State));
act({unregister, Name}, _, _) -> unregister(unique(Name));
act({alias, Kind}, _, State = #{aliases := Aliases}) ->
    Alias = case Kind of lasting -> alias(); once -> alias([reply]) end,
    {ok, State#{aliases := Aliases ++ [Alias]}};
act({unalias, Index}, _, State = #{aliases := Aliases}) ->
    case Aliases of
        [] -> ok;
        _ -> {unalias(lists:nth(Index rem length(Aliases) + 1, Aliases)), State}
    end;
%% A process tells another one of its own addresses, which sends three messages there.
act({by_alias, To, Index}, Number, #{aliases := Aliases, names := Names}) ->
    case Aliases of
        [] -> ok;
        _ ->
            Alias = lists:nth(Index rem length(Aliases) + 1, Aliases),
            maps:get(To, Names) ! {write_to, Alias, Number},
            ok
    end;
act({spawn_link, Reason}, Number, State) -> born(spawn_link(fun() -> exit(Reason) end), Number, State);
act({spawn_monitor, Reason}, Number, State) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit(Reason) end),
    {_, Next} = born(Pid, Number, State),
    watched(Ref, child(Number), Next).

pid(Name, #{names := Names}) -> maps:get(Name, Names).

watched(Ref, Target, State = #{monitors := Monitors}) -> {ok, State#{monitors := Monitors ++ [{Ref, Target}]}}.

born(Pid, Number, State = #{names := Names}) -> {ok, State#{names := Names#{child(Number) => Pid}}}.

child(Number) -> list_to_atom("c" ++ integer_to_list(Number)).

in_mailbox(Wanted) ->
    {messages, Messages} = process_info(self(), messages),
    lists:any(Wanted, Messages) orelse begin erlang:yield(), in_mailbox(Wanted) end.

text({'EXIT', From, Reason}, #{names := Names}) ->
    [Name] = [N || {N, Pid} <- maps:to_list(Names), Pid =:= From],
    io_lib:format("exit:~w:~s", [Name, reasons:text(Reason)]);
text({'DOWN', Ref, process, _, Reason}, #{monitors := Monitors}) ->
    {Ref, Target} = lists:keyfind(Ref, 1, Monitors),
    io_lib:format("down:~w:~s", [Target, reasons:text(Reason)]);
text({message, From, {Number, Part}}, _) ->
    io_lib:format("message:~w:~b.~b", [From, Number, Part]).
