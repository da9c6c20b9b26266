// A 1.6 server made with ocpp-go, which checks every message against the rules of its types.
//
// It prints its address, answers what a charging station sends, and serves until it is killed.
package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
	"github.com/lorenzodonini/ocpp-go/ws"
	"github.com/sirupsen/logrus"
)

type handler struct{ transactions atomic.Int64 }

func now() *types.DateTime { return types.NewDateTime(time.Now()) }

func (h *handler) OnAuthorize(string, *core.AuthorizeRequest) (*core.AuthorizeConfirmation, error) {
	return core.NewAuthorizationConfirmation(types.NewIdTagInfo(types.AuthorizationStatusAccepted)), nil
}

func (h *handler) OnBootNotification(string, *core.BootNotificationRequest) (*core.BootNotificationConfirmation, error) {
	return core.NewBootNotificationConfirmation(now(), 300, core.RegistrationStatusAccepted), nil
}

func (h *handler) OnDataTransfer(string, *core.DataTransferRequest) (*core.DataTransferConfirmation, error) {
	return core.NewDataTransferConfirmation(core.DataTransferStatusUnknownVendorId), nil
}

func (h *handler) OnHeartbeat(string, *core.HeartbeatRequest) (*core.HeartbeatConfirmation, error) {
	return core.NewHeartbeatConfirmation(now()), nil
}

func (h *handler) OnMeterValues(string, *core.MeterValuesRequest) (*core.MeterValuesConfirmation, error) {
	return core.NewMeterValuesConfirmation(), nil
}

func (h *handler) OnStatusNotification(string, *core.StatusNotificationRequest) (*core.StatusNotificationConfirmation, error) {
	return core.NewStatusNotificationConfirmation(), nil
}

func (h *handler) OnStartTransaction(string, *core.StartTransactionRequest) (*core.StartTransactionConfirmation, error) {
	accepted := types.NewIdTagInfo(types.AuthorizationStatusAccepted)
	return core.NewStartTransactionConfirmation(accepted, int(h.transactions.Add(1))), nil
}

func (h *handler) OnStopTransaction(string, *core.StopTransactionRequest) (*core.StopTransactionConfirmation, error) {
	return core.NewStopTransactionConfirmation(), nil
}

func main() {
	// What the library logs of each message costs more than all the rest.
	logrus.SetOutput(io.Discard)
	server := ws.NewServer()
	central := ocpp16.NewCentralSystem(nil, server)
	central.SetCoreHandler(&handler{})
	go func() {
		for server.Addr() == nil {
			time.Sleep(time.Millisecond)
		}
		fmt.Printf("127.0.0.1:%d\n", server.Addr().Port)
	}()
	central.Start(0, "/{ws}")
}
