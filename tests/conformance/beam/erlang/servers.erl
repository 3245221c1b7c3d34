%% A gen_server that returns whatever its callers say. servers.py does the same with Regrow.
%%
%% A scenario is {Link, Trap, Init, Ending, [Operation]}. A phase of the answer is "answer; callbacks; death; replies".
-module(servers).
-behaviour(gen_server).
-export([run/1, init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).

-define(SOON, 20).

run({Link, Trap, Init, Ending, Operations}) ->
    process_flag(trap_exit, true),
    Chronicle = chronicle:start(#{}),
    Arguments = {self(), Chronicle, Trap, Init, Ending},
    Started = case Link of
        link -> gen_server:start_link(?MODULE, Arguments, []);
        alone -> gen_server:start(?MODULE, Arguments, [])
    end,
    case Started of
        {ok, Pid} -> serve(Operations, {Chronicle, Pid});
        ignore -> [["ignore; ", chronicle:phase(Chronicle)]];
        {error, Reason} -> [["error ", reasons:text(Reason), "; ", chronicle:phase(Chronicle)]]
    end.

serve(Operations, Context) ->
    {Pending, Phase} = phase("pid", [], Context),
    [Phase | operate(Operations, 1, Pending, Context)].

operate([], _, _, {_, Pid}) -> unlink(Pid), exit(Pid, kill), [];
operate([Operation | Rest], Number, Pending, Context = {_, Pid}) ->
    {Answer, New} =
        case Operation of
            {burst, Messages} ->
                catch erlang:suspend_process(Pid),
                Numbered = lists:zip(lists:seq(1, length(Messages)), Messages),
                Requests = [post(Message, {Number, Part}, Pid) || {Part, Message} <- Numbered],
                catch erlang:resume_process(Pid),
                {"ok", lists:append(Requests)};
            _ ->
                act(Operation, {Number, 0}, Pid)
        end,
    {Left, Phase} = phase(Answer, Pending ++ New, Context),
    [Phase | operate(Rest, Number + 1, Left, Context)].

act({call, Form}, Key, Pid) -> {asked(fun() -> gen_server:call(Pid, {Key, Form}, infinity) end), []};
act({call_soon, Form}, Key, Pid) -> {asked(fun() -> gen_server:call(Pid, {Key, Form}, ?SOON) end), []};
act({stop, Reason}, _, Pid) -> {asked(fun() -> gen_server:stop(Pid, Reason, infinity) end), []};
act({stranger, Reason}, _, Pid) ->
    {Stranger, Ref} = spawn_monitor(fun() -> exit(Pid, Reason) end),
    receive {'DOWN', Ref, process, Stranger, _} -> {"ok", []} end;
act(Message, Key, Pid) -> {"ok", post(Message, Key, Pid)}.

post({request, Form}, Key, Pid) -> [{Key, gen_server:send_request(Pid, {Key, Form})}];
post({cast, Form}, Key, Pid) -> gen_server:cast(Pid, {Key, Form}), [];
post({info, Form}, Key, Pid) -> Pid ! {Key, Form}, [];
post({parent, Reason}, _, Pid) -> exit(Pid, Reason), [].

asked(Ask) ->
    try Ask() of
        Reply -> io_lib:format("~w", [Reply])
    catch
        exit:{Reason, {_, _, _}} -> ["exit ", reasons:text(Reason)];
        exit:Reason -> ["exit ", reasons:text(Reason)]
    end.

phase(Answer, Pending, {Chronicle, Pid}) ->
    settle(Pid),
    Results = [{Key, Request, result(Pid, Request)} || {Key, Request} <- Pending],
    Left = [{Key, Request} || {Key, Request, none} <- Results],
    Texts = [[key(Key), "=", Text] || {Key, _, Text} <- Results, Text =/= none],
    is_process_alive(Pid) orelse none_left(Chronicle),
    {Left, [Answer, "; ", chronicle:phase(Chronicle), "; ", lists:join(" ", Texts)]}.

key({Number, Part}) -> io_lib:format("~b.~b", [Number, Part]).

none_left(Chronicle) -> chronicle:alive(Chronicle) =:= [] orelse begin receive after 1 -> ok end, none_left(Chronicle) end.

result(Pid, Request) ->
    case is_process_alive(Pid) of
        true ->
            case gen_server:wait_response(Request, 0) of  % unlike receive_response it does not give the request up
                timeout -> none;
                Response -> response(Response)
            end;
        false ->
            response(gen_server:receive_response(Request, infinity))
    end.

response({reply, Reply}) -> io_lib:format("~w", [Reply]);
response({error, {Reason, _}}) -> ["exit ", reasons:text(Reason)].

%% All messages are taken, and no short timeout is running.
settle(Pid) ->
    catch sys:get_state(Pid, infinity),
    case is_idle(Pid) of
        true -> ok;
        false -> await_idle(Pid), settle(Pid)
    end.

%% To ask the server itself would start the timeout anew.
await_idle(Pid) -> is_idle(Pid) orelse begin receive after 1 -> ok end, await_idle(Pid) end.

is_idle(Pid) ->
    case process_info(Pid, [dictionary, links]) of
        undefined ->
            not is_process_alive(Pid);
        [{dictionary, Dictionary}, {links, Links}] ->
            not proplists:get_value(expects_timeout, Dictionary, false)
                andalso lists:all(fun is_process_alive/1, [Link || Link <- Links, is_pid(Link)])
    end.

%% The server.

init({Parent, Chronicle, Trap, Form, Ending}) ->
    process_flag(trap_exit, Trap),
    State = #{parent => Parent, chronicle => Chronicle, ending => Ending, callers => []},
    entered("init", State),
    begun(Form, State).

begun(ok, State) -> watched(State), {ok, State};
begun({ok, More}, State) -> watched(State), {ok, State, more(More)};
begun(Form, State) -> common(Form, State).

%% Whoever watches it from outside may be too late to hear what it dies of.
watched(#{chronicle := Chronicle}) -> chronicle:enter(Chronicle, server).

handle_call({Key, {noreply, none}}, From, State) -> entered(["call:", key(Key)], State), {noreply, remember(From, State)};
handle_call({Key, {noreply, More}}, From, State) ->
    entered(["call:", key(Key)], State),
    {noreply, remember(From, State), more(More)};
handle_call({Key, Form}, _, State) -> entered(["call:", key(Key)], State), common(Form, State).

handle_cast({Key, Form}, State) -> entered(["cast:", key(Key)], State), returned(Form, State).

handle_info(timeout, State) -> entered("timeout", State), {noreply, State};
handle_info({'EXIT', Parent, Reason}, State = #{parent := Parent}) ->
    entered(["exit:parent:", reasons:text(Reason)], State),
    {noreply, State};
handle_info({'EXIT', _, Reason}, State) -> entered(["exit:other:", reasons:text(Reason)], State), {noreply, State};
handle_info({Key, Form}, State) -> entered(["info:", key(Key)], State), returned(Form, State).

handle_continue(Form, State) -> entered("continue", State), returned(Form, State).

terminate(Reason, State = #{ending := Ending}) ->
    entered(["terminate:", reasons:text(Reason)], State),
    case Ending of
        ok -> ok;
        raise -> error(badarith);
        exit -> exit(odd)
    end.

entered(What, #{chronicle := Chronicle}) ->
    put(expects_timeout, false),
    chronicle:write(Chronicle, What).

remember(From, State = #{callers := Callers}) -> State#{callers := Callers ++ [From]}.

returned({noreply, none}, State) -> {noreply, State};
returned({noreply, More}, State) -> {noreply, State, more(More)};
returned({answer, _}, State = #{callers := []}) -> {noreply, State};
returned({answer, Value}, State = #{callers := [Oldest | Others]}) ->
    gen_server:reply(Oldest, Value),
    gen_server:reply(Oldest, again),
    {noreply, State#{callers := Others}};
returned({spawn_link, Reason}, State) ->
    spawn_link(fun() -> exit(Reason) end),
    {noreply, State};
returned(Form, State) -> common(Form, State).

common({reply, Value, none}, State) -> {reply, Value, State};
common({reply, Value, More}, State) -> {reply, Value, State, more(More)};
common({stop, Reason}, State) -> {stop, Reason, State};
common({stop, Reason, Value}, State) -> {stop, Reason, Value, State};
common({stop_init, Reason}, _) -> {stop, Reason};
common(ignore, _) -> ignore;
common(raise, _) -> error(badarith);
common({exit, Reason}, _) -> exit(Reason);
common(call_self, _) -> gen_server:call(self(), anything);
common(call_dead, _) -> gen_server:call(dead(), anything);
common(call_mute, _) -> gen_server:call(spawn(fun() -> receive never -> ok end end), anything, ?SOON);
common(bad, _) -> garbage.

more({timeout, Milliseconds}) ->
    put(expects_timeout, Milliseconds =< ?SOON),
    Milliseconds;
more(Continue) -> Continue.

dead() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, _} -> Pid end.
